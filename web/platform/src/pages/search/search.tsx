import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="search" />;

export default Page;

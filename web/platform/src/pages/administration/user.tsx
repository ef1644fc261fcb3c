import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="user" />;

export default Page;

import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="users" />;

export default Page;
